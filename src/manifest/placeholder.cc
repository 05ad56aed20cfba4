namespace fairlead::manifest {}
